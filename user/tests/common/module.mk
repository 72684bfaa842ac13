# SPDX-License-Identifier: GPL-2.0
# Tests of the code that the programs share, and of the command lines of all programs.
tests += test-option test-complete test-state-file
script-tests += test-programs

test-option-objs := $(d)test-option.o $(option-objs) $(exit-status-objs) \
	$(harness-objs)
test-complete-objs := $(d)test-complete.o $(option-objs) $(harness-objs)
test-state-file-objs := $(d)test-state-file.o $(state-file-objs) $(harness-objs)

test-programs-script := $(d)test-programs.sh
$(B)/bin/test-programs: | $(addprefix $(B)/bin/,\
	vuserctl vuserd vuser-ioat vuser-vhost)
