"""The command line itself: wrong options, help, and what is made from the table of options."""
import os
import re
import shutil
import subprocess
import unittest

from program import PROGRAM, Case

COMMANDS = ("classify", "devices", "info", "eval", "verify", "tune", "convert", "cache")


class Wrong(Case):
    """Wrong usage: one line that names the option, exit code 2."""

    def assert_wrong(self, arguments, *parts):
        result = self.run_program(*arguments, code=2)
        self.assert_one_error(result, *parts)
        self.assertEqual(result.out, "")

    def test_unknown_options_suggest_the_nearest(self):
        self.assert_wrong(["--devcie", "1", "a.png"], "--devcie: ", "--device")
        self.assert_wrong(["--bacth=1", "a.png"], "--bacth: ", "--batch")
        self.assert_wrong(["cache", "--claer"], "--claer: ", "--clear")
        self.assert_wrong(["-x", "a.png"], "-x: ")
        self.assert_wrong(["-p", "a.png"], "-p: ", "--precision")
        self.assert_wrong(["devcies"], "devcies: ", "devices")

    def test_options_of_other_commands(self):
        self.assert_wrong(["devices", "--batch=3"], "--batch: ", "classify")
        self.assert_wrong(["--batch=3", "devices"], "--batch: ")
        self.assert_wrong(["--clear", "a.png"], "--clear: ", "cache")

    def test_values(self):
        for option, value in (("--batch", "0"), ("--batch", "1x"), ("--batch", "-1"),
                              ("--batch", "4097"), ("--batch", "99999999999999999999"),
                              ("--batch", " 1"), ("--top", "+1"), ("--input-size", "0"),
                              ("--memory-limit", "0"), ("--mean", "1,2"), ("--mean", "1,2,3,4"),
                              ("--mean", "nan"), ("--mean", "0x10"), ("--mean", "1,,2"),
                              ("--mean", "1e99"), ("--std", "0"), ("--std", "1,0,1"),
                              ("--scale", "1,2,3"), ("--scale", "0"), ("--scale", "a.npy"),
                              ("--precision", "fp61"), ("--resize", "wrap"), ("--order", "gbr"),
                              ("--color", "yes"), ("--device", "")):
            with self.subTest(option=option, value=value):
                self.assert_wrong([f"{option}={value}", "a.png"], option + ": ")
        self.assert_wrong(["--precision=fp61", "a.png"], "fp16")

    def test_missing_and_superfluous_values(self):
        self.assert_wrong(["a.png", "--device"], "--device: ", "SPEC")
        self.assert_wrong(["a.png", "-d"], "--device: ")
        self.assert_wrong(["a.png", "--quiet=1"], "--quiet: ")

    def test_operands(self):
        self.assert_wrong([], "image")
        self.assert_wrong(["devices", "1"], "devices: ", "'1'")
        self.assert_wrong(["info", "a", "b"], "info: ", "'b'")
        self.assert_wrong(["convert", "a"], "convert: ", "OUT")
        self.assert_wrong(["eval"], "eval: ")

    def test_options_may_stand_anywhere(self):
        self.assertEqual(self.run_program("-q", "cache", code=0).err, "")
        self.assertIn("red", self.run_program(self.red, "-m", self.model, code=0).out)


class Help(Case):
    """Help, man page and completions know every option and command."""

    def options(self):
        return set(re.findall(r"(--[a-z0-9-]+)", self.run_program("--help", code=0).out))

    def test_help(self):
        result = self.run_program("--help", code=0)
        for command in COMMANDS:
            self.assertIn(command, result.out)
            one = self.run_program(command, "--help", code=0)
            self.assertIn("Usage: alexnet-cl", one.out)
            self.assertEqual(one.out, self.run_program(command, "-h", code=0).out)
        self.assertEqual(result.err, "")
        for line in result.out.splitlines():
            self.assertLessEqual(len(line), 80, line)
            self.assertEqual(line, line.rstrip())

    def test_version(self):
        self.assertRegex(self.run_program("--version", code=0).out, r"^alexnet-cl \d+\.\d+\.\d+\n$")

    def test_man_page(self):
        page = self.run_program("--print=man", code=0).out
        for option in self.options():
            self.assertIn(option.replace("-", "\\-"), page)
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page.encode(),
                                  stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.stderr, b"")

    def test_completions_parse(self):
        for shell in ("bash", "zsh", "fish"):
            text = self.run_program(f"--print={shell}", code=0).out
            for option in self.options():
                name = option.lstrip("-")
                self.assertRegex(text, rf"(--|-l ){name}\b")
            for command in COMMANDS:
                self.assertIn(command, text)
            if shutil.which(shell):
                path = self.write("completion." + shell, text)
                subprocess.run([shell, "-n", path], check=True)

    def complete(self, *words):
        """What bash would offer for the last word."""
        script = self.run_program("--print=bash", code=0).out
        quoted = " ".join(f"'{word}'" for word in ("alexnet-cl",) + words)
        script += (f"COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _alexnet_cl\n"
                   'printf "%s\\n" "${COMPREPLY[@]}"\n')
        done = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, cwd=self.folder,
                              stderr=subprocess.PIPE, check=True)
        return done.stdout.decode().split()

    @unittest.skipUnless(shutil.which("bash"), "there is no bash")
    def test_completion_in_bash(self):
        self.assertEqual(self.complete("--dev"), ["--device"])
        self.assertEqual(self.complete("--precision", "fp"), ["fp32", "fp16"])
        self.assertEqual(self.complete("ver"), ["verify"])
        self.assertEqual(self.complete("cache", "--c"), ["--clear", "--cache-dir", "--color"])
        self.assertEqual(self.complete("--network", "al"), ["alexnet", "alexnet-owt", "alexnet-bn"])
        self.assertEqual(self.complete("--model", "colo"), ["colours.safetensors"])
        self.assertEqual(self.complete("re"), ["red.png"])


class Environment(Case):
    """The program does what it should whatever it is started with."""

    def test_closed_streams(self):
        for closed in ("<&-", ">&-", "2>&-", "<&- 2>&-"):
            with self.subTest(closed):
                done = subprocess.run(
                    ["sh", "-c", f'"$0" -m "$1" "$2" {closed}', PROGRAM, self.model, self.red],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(),
                    check=False)
                self.assertEqual(done.returncode, 1 if closed == ">&-" else 0, done)
                self.assertEqual(b"red" in done.stdout, closed != ">&-", done)

    def test_no_environment(self):
        keep = {name: os.environ[name] for name in
                ("XDG_CACHE_HOME", "OCL_ICD_VENDORS", "LD_LIBRARY_PATH", "ASAN_OPTIONS",
                 "LSAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
        done = subprocess.run([PROGRAM, "-m", self.model, self.red], env=keep,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(done.stdout.isascii(), done.stdout)
        self.assertRegex(done.stdout, rb"#{19}")


if __name__ == "__main__":
    unittest.main()
