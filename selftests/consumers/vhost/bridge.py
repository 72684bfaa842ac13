# SPDX-License-Identifier: GPL-2.0
"""vuser-vhost, between a back end and a vfio-user client."""

import os
import select
import signal
import subprocess
import threading

from tap import SOON, Failure, require, run

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))


class Bridge:
    """One vuser-vhost process; it is ready when the constructor returns."""

    def __init__(self, work, *argv):
        pidfile = os.path.join(work, "bridge.pid")
        self.log = os.path.join(work, "bridge.log")
        run(os.path.join(TOP, "lab/vm/service"), pidfile, self.log,
            "vuser-vhost", "--verbose", *argv)
        with open(pidfile, encoding="ascii") as file:
            self.pid = int(file.read())

    def signal(self, number):
        """Send a signal and wait for the end of the process."""
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self.pid = None
            raise Failure("vuser-vhost has ended already") from None
        os.kill(self.pid, number)
        ended = select.select([pidfd], [], [], SOON)[0]
        os.close(pidfd)
        if not ended:
            raise Failure("vuser-vhost does not end")
        self.pid = None

    def wait_log(self, text, times):
        """Wait until the log has @times lines with @text."""
        argv = ["tail", "-n", "+1", "-s", "0.1", "-F", self.log]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as tail:
            end = threading.Timer(SOON, tail.kill)
            end.start()
            for line in tail.stdout:
                times -= text in line.decode(errors="replace")
                if not times:
                    break
            end.cancel()
            tail.kill()
        require(not times, f"the log of vuser-vhost lacks '{text}'")

    def stop(self):
        self.signal(signal.SIGTERM)

    def kill(self):
        """Kill the process, if it runs, without a chance to clean up."""
        if self.pid:
            self.signal(signal.SIGKILL)
