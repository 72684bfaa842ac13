# SPDX-License-Identifier: GPL-2.0
# Tests of the code that the device servers share.
tests += test-state-file
test-state-file-objs := $(d)test-state-file.o $(state-file-objs) $(harness-objs)
