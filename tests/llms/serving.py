"""A real server of language models, `transformers serve`, in a process of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread, Timer

from support import HANGS_S

_READY = re.compile(r"running on (http://127\.0\.0\.1:\d+)")


class RealServer:
    """Serves any model whose folder is named in a request, on a port that was free."""

    def __init__(self, home):
        program = shutil.which("transformers", path=str(Path(sys.executable).parent))
        assert program, "transformers is not installed next to the Python that runs the tests"
        self._process = subprocess.Popen(
            [program, "serve", "--host", "127.0.0.1", "--port", "0", "--device", "cpu"],
            env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home)},
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.address = self._wait()
        # What it prints is read, or it would wait for a reader.
        self._reader = Thread(target=self._process.stdout.read)
        self._reader.start()

    def _wait(self):
        printed = []
        timer = Timer(HANGS_S, self._process.kill)
        timer.start()
        for line in self._process.stdout:
            printed.append(line)
            if ready := _READY.search(line):
                timer.cancel()
                return ready[1]
        self._process.stdout.close()
        raise AssertionError(f"transformers serve did not start: {''.join(printed)}")

    @property
    def is_running(self):
        return self._process.poll() is None

    @property
    def environment(self):
        """Where ragqa finds it."""
        return {"OPENAI_BASE_URL": f"{self.address}/v1"}

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
