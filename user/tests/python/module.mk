# SPDX-License-Identifier: GPL-2.0
# The Python package, with the shared library of the build.
script-tests += test-python
test-python-script := $(d)test-python.py
$(B)/bin/test-python: $(B)/lib/libvuser.so
