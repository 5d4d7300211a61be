"""weights/fetch.sh against a server of this test's: what is downloaded, checked, and refused."""
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import unittest

import models
from program import Case

SCRIPT = os.path.join(os.environ["ALX_WEIGHTS"], "fetch.sh")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the server's `files`; `cut` of it end early, and `ranges` may be off."""

    def do_GET(self):
        name = self.path[1:]
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        begin = 0
        wanted = self.headers.get("Range")
        self.server.asked.append((name, wanted))
        if wanted and self.server.ranges:
            begin = int(wanted[len("bytes="):].split("-")[0])
        if begin >= len(content) and begin:
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        end = self.server.cut.get(name, len(content))
        self.wfile.write(content[begin:max(begin, end)])
        self.close_connection = True

    def log_message(self, *_):
        pass


@unittest.skipUnless(shutil.which("curl"), "there is no curl")
class Fetch(Case):
    """Each test has a folder of its own."""

    def setUp(self):
        self.target = self.path("weights " + self.id().rsplit(".", maxsplit=1)[-1])
        os.mkdir(self.target)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.files, self.server.cut = {"m": models.colours(), "big": bytes(300000)}, {}
        self.server.asked, self.server.ranges = [], True
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.rows = []

    def row(self, name, content, **changes):
        """A row of the manifest for what the server calls `content`."""
        data = self.server.files.get(content, b"")
        self.rows.append({
            "name": name, "file": name + ".safetensors", "bytes": len(data),
            "address": f"http://127.0.0.1:{self.server.server_port}/{content}",
            "sha256": hashlib.sha256(data).hexdigest(), "sha1": None, "licence": None,
            "top1": None, "top5": None, "network": None, "format": "safetensors", "note": None,
            **changes})

    def fetch(self, *names, code=0, path=None, folder=None):
        manifest = self.write("manifest.json", json.dumps({"models": self.rows}))
        done = subprocess.run(
            ["/bin/sh", SCRIPT, "--manifest", manifest, "--folder", folder or self.target, *names],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=120,
            env=self.environment(PATH=path or os.environ["PATH"], no_proxy="*"))
        self.assertEqual(done.returncode, code, done)
        return done

    def assert_refused(self, done, *parts):
        """The last line says why."""
        line = done.stderr.splitlines()[-1]
        self.assertTrue(line.startswith("fetch.sh: "), done)
        for part in parts:
            self.assertIn(part, line, done)

    def test_a_name_works_afterwards(self):
        self.row("fetched", "m")
        done = self.fetch("fetched")
        self.assertIn("sha256 is right; alexnet-cl -m fetched runs it", done.stdout)
        self.assertEqual(os.listdir(self.target), ["fetched.safetensors"])
        result = self.run_program("-m", "fetched", self.red, code=0,
                                  env={"ALEXNET_CL_MODELS": self.target})
        self.assertIn("red", result.out)
        self.assertIn("is there already; sha256 is right", self.fetch("fetched").stdout)
        self.assertEqual(len(self.server.asked), 1)

    def test_several_and_other_hashes(self):
        self.row("one", "m", sha256=None, sha1=hashlib.sha1(models.colours()).hexdigest())
        self.row("two", "big", sha256=None, bytes=None)
        done = self.fetch("one", "two")
        self.assertIn("sha1 is right", done.stdout)
        self.assertIn("no hash is known to compare with; its sha256 is " +
                      hashlib.sha256(bytes(300000)).hexdigest(), done.stdout)

    def test_a_bad_hash(self):
        for number, changes in enumerate(({"sha256": "0" * 64}, {"sha1": "0" * 40}, {"bytes": 7},
                                          {"bytes": 300001})):
            with self.subTest(changes=changes):
                self.row(f"bad{number}", "big", **changes)
                self.assert_refused(self.fetch(f"bad{number}", code=1), " instead of ", "/big: ")
                self.assertEqual(os.listdir(self.target), [])

    def test_a_transfer_that_is_cut_off_goes_on(self):
        self.row("long", "big")
        self.server.cut["big"] = 100000
        self.assert_refused(self.fetch("long", code=1), "the download failed", "goes on")
        self.assertEqual(os.listdir(self.target), ["long.safetensors.part"])
        self.server.cut.clear()
        self.server.asked.clear()
        self.fetch("long")
        self.assertEqual(self.server.asked, [("big", "bytes=100000-")])
        self.assertEqual(os.listdir(self.target), ["long.safetensors"])

    def test_a_server_that_cannot_go_on(self):
        self.row("long", "big")
        self.server.ranges = False
        self.write(os.path.join(self.target, "long.safetensors.part"), bytes(1000))
        self.fetch("long")
        self.assertEqual([wanted for _, wanted in self.server.asked], ["bytes=1000-", None])
        self.assertEqual(os.listdir(self.target), ["long.safetensors"])

    def test_parts_that_are_wrong(self):
        """As long as the file or longer, but not the file: the next run begins anew."""
        self.row("long", "big")
        part = os.path.join(self.target, "long.safetensors.part")
        for content in (b"x" * 300000, b"x" * 300001, b"x" * 100000):
            with self.subTest(size=len(content)):
                self.write(part, content)
                self.assert_refused(self.fetch("long", code=1), " instead of ")
                self.assertEqual(os.listdir(self.target), [])
        self.rows[0]["bytes"] = None  # nobody knows that it is too long
        self.write(part, b"x" * 300001)
        self.assert_refused(self.fetch("long", code=1), " instead of ")
        self.fetch("long")

    def test_a_bad_file_under_the_name(self):
        self.row("there", "m")
        path = self.write(os.path.join(self.target, "there.safetensors"), "something else")
        self.assert_refused(self.fetch("there", code=1), path, "bytes instead of", "remove it")
        self.assertEqual(self.server.asked, [])

    def test_unknown_names(self):
        self.row("one", "m")
        self.row("two", "m")
        self.assert_refused(self.fetch("three", code=1), "three: ", "one, two")
        self.row("gone", "nowhere", bytes=1000)
        self.assert_refused(self.fetch("gone", code=1), "gone: ", "/nowhere: ", "failed")
        self.assertEqual(os.listdir(self.target), [])

    def test_the_list(self):
        self.row("one", "m", note="what it is")
        self.row("two", "big", bytes=None)
        lines = self.fetch().stdout.splitlines()
        self.assertRegex(lines[0], r"^one +0 MB  safetensors +what it is$")
        self.assertRegex(lines[1], r"^two +unknown  safetensors$")

    def test_what_is_missing(self):
        self.row("one", "m")
        bare = self.path("bin")
        os.makedirs(bare, exist_ok=True)
        for tool in ("dirname", "sh"):
            link = os.path.join(bare, tool)
            if not os.path.lexists(link):
                os.symlink(shutil.which(tool), link)
        self.assert_refused(self.fetch("one", code=1, path=bare), "python3: is not installed")
        os.symlink(shutil.which("python3"), os.path.join(bare, "python3"))
        self.assert_refused(self.fetch("one", code=1, path=bare), "curl: is not installed")
        self.assert_refused(self.fetch("one", code=1, folder=self.path("none")),
                            "none: is no folder")
        self.assert_refused(self.fetch("--what", code=1), "--what: no such option")
        self.assert_refused(self.fetch("--folder", code=1), "--folder: needs a value")
        self.rows = None
        self.assert_refused(self.fetch("one", code=1), "manifest.json: no manifest: ")

    def test_folders_that_cannot_be_written(self):
        self.row("one", "m")
        os.chmod(self.target, 0o500)
        self.addCleanup(os.chmod, self.target, 0o700)
        # Whom permissions do not stop, the kernel's own files do.
        folder = "/proc" if os.access(self.target, os.W_OK) else self.target
        self.assert_refused(self.fetch("one", code=1, folder=folder),
                            folder + ": cannot be written")
        self.assertEqual(self.server.asked, [])


if __name__ == "__main__":
    unittest.main()
