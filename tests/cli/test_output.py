"""Where output goes: pipes that close, full disks, terminals; and Ctrl-C."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from program import PROGRAM, Case


def runs_program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe") == os.path.realpath(PROGRAM)
    except OSError:  # it has ended, or is ending
        return False


class Streams(Case):
    """Standard output that ends early or is full."""

    def start(self, *arguments, **options):
        return subprocess.Popen([PROGRAM, "-m", self.model, *arguments], env=self.environment(),
                                stderr=subprocess.PIPE, cwd=self.folder, **options)

    def test_head(self):
        """A reader that goes away ends it silently, and soon."""
        images = [self.red] * 3000
        process = self.start(*images, stdout=subprocess.PIPE)
        self.assertIn(b"red.png", process.stdout.readline())
        process.stdout.close()
        started = time.monotonic()
        err = process.stderr.read()
        self.assertEqual((process.wait(60), err), (0, b""))
        self.assertLess(time.monotonic() - started, 30)
        process.stderr.close()

    def test_head_of_help(self):
        done = subprocess.run(f"'{PROGRAM}' --help | head -1", shell=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.environment(), check=False)
        self.assertTrue(done.stdout.startswith(b"Usage"))
        self.assertEqual(done.stderr, b"")

    def test_a_full_disk(self):
        commands = ([], ["--json"], ["--help"], ["info", self.model], ["devices", "--json"])
        for arguments in commands:
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                words = arguments if arguments and arguments[0] in ("info", "devices") else \
                    ["-m", self.model, *arguments, self.red]
                done = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE,
                                      env=self.environment(), check=False)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr,
                                 rb"^alexnet-cl: standard output: .*No space left[^\n]*\n$")

    def test_a_full_disk_for_the_document(self):
        result = self.classify("--json=/dev/full", self.red, code=1)
        self.assert_one_error(result, "/dev/full: ", "No space left")
        self.assertTrue(os.path.exists("/dev/full"))

    def test_interrupted(self):
        """Ctrl-C ends it at once, with nothing but what was printed before."""
        process = self.start(*[self.red] * 20000, stdout=subprocess.PIPE)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        out, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual((process.returncode, err), (130, b""))
        self.assertNotIn(b"device", out)

    def test_interrupted_before_the_document(self):
        target = self.path("document.json")
        process = self.start(f"--json={target}", *[self.red] * 20000, stdout=subprocess.PIPE)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=60), (b"", b""))
        self.assertEqual(process.returncode, 130)
        self.assertEqual([name for name in os.listdir(self.folder) if "document" in name], [])

    def test_no_child_is_left(self):
        """The decoder goes with the program, even when that is killed."""
        process = self.start(*[self.red] * 20000, stdout=subprocess.PIPE)
        process.stdout.readline()
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        process.kill()
        process.communicate(timeout=60)
        self.assertTrue(children)
        deadline = time.monotonic() + 20
        while any(runs_program(child) for child in children):
            self.assertLess(time.monotonic(), deadline, "a child is left")
            time.sleep(0.05)


class Terminal(Case):
    """What a person sees, on 80 columns."""

    def on_terminal(self, *arguments, columns=80, **changes):
        """The exit code and all that comes to the terminal."""
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen([PROGRAM, *arguments], stdin=side, stdout=side, stderr=side,
                                   env=self.environment(**{"TERM": "xterm", **changes}),
                                   cwd=self.folder)
        os.close(side)
        pieces = []
        while True:
            select.select([main], [], [], 300)
            try:
                data = os.read(main, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not data:
                break
            pieces.append(data)
        os.close(main)
        text = b"".join(pieces).decode()
        self.assertEqual(process.wait(60), 0, text)
        return text

    @staticmethod
    def plain(text):
        """What stays on the screen: no colours, and the last state of a line."""
        text = re.sub("\x1b\\[[0-9;]*m", "", text).replace("\r\n", "\n")
        return re.sub("[^\n]*\r\x1b\\[K", "", text)

    def test_everything_fits(self):
        commands = (["-m", self.model, self.red], ["-m", self.model, "--explain", self.red],
                    ["devices"], ["info", "--network=alexnet"], ["info", self.model], ["--help"],
                    ["verify", "--layer=relu", "--shapes=1"],
                    ["bench", "--network=lenet-5", "--device=cpu", "--batch=1", "--time=0.05"])
        for arguments in commands:
            with self.subTest(arguments=arguments):
                text = self.plain(self.on_terminal(*arguments))
                self.assertNotIn("\x1b", text)
                for line in text.splitlines():
                    if self.folder not in line and "sha256" not in line:
                        self.assertLessEqual(len(line), 80, line)

    def test_colours(self):
        arguments = ("-m", self.model, self.red)
        self.assertIn("\x1b[1m", self.on_terminal(*arguments))
        self.assertNotIn("\x1b[1m", self.on_terminal(*arguments, NO_COLOR="1"))
        self.assertNotIn("\x1b[1m", self.on_terminal(*arguments, "--color=never"))
        self.assertNotIn("\x1b", self.on_terminal(*arguments, TERM="dumb"))
        self.assertNotIn("\x1b", self.classify(self.red, code=0).out)
        self.assertIn("\x1b[1m", self.classify("--color=always", self.red, code=0).out)
        self.assertIn("\x1b[1m", self.classify("--color=always", self.red,
                                               env={"NO_COLOR": "1"}, code=0).out)

    def test_progress_goes_to_terminals_alone(self):
        self.assertIn("compiling", self.on_terminal("-m", self.model, self.red))
        self.assertNotIn("compiling", self.on_terminal("-m", self.model, "-q", self.red))
        self.assertEqual(self.classify(self.red, code=0).err, "")

    def test_bars_without_unicode(self):
        self.assertIn("█", self.classify(self.red, code=0).out)
        plain = self.classify(self.red, env={"LC_ALL": "C"}, code=0).out
        self.assertTrue(plain.isascii())
        self.assertRegex(plain, "#{19} ")


if __name__ == "__main__":
    unittest.main()
