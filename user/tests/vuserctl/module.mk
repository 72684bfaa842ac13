# SPDX-License-Identifier: GPL-2.0
# Tests of parts of vuserctl.
tests += test-view test-settings test-output test-bridge test-holder \
	test-helper test-definition test-rate test-table test-latency test-qemu

# These include the file that they test, to give it another /proc.
test-holder-objs := $(d)test-holder.o $(harness-objs)
test-holder-libs := $(vnl-libs)
test-helper-objs := $(d)test-helper.o $(harness-objs)

test-definition-objs := $(d)test-definition.o vuserctl/definition.o \
	netlink/uuid.o $(harness-objs)
test-definition-libs := json-c
test-rate-objs := $(d)test-rate.o vuserctl/rate.o vuserctl/ctl.o \
	vuserctl/latency.o vuserctl/output.o \
	vuserctl/settings.o $(vnl-objs) $(option-objs) $(exit-status-objs) \
	$(harness-objs)
test-rate-libs := $(vnl-libs) json-c
test-latency-objs := $(d)test-latency.o vuserctl/latency.o vuserctl/output.o \
	$(vnl-objs) $(harness-objs)
test-latency-libs := $(vnl-libs) json-c
test-table-objs := $(d)test-table.o vuserctl/table.o $(harness-objs)
test-table-libs := smartcols

test-bridge-objs := $(d)test-bridge.o vuserctl/unit.o \
	$(exit-status-objs) $(harness-objs)
test-bridge-libs := $(vnl-libs)
test-qemu-objs := $(d)test-qemu.o vuserctl/lock.o $(exit-status-objs) \
	$(harness-objs)
test-qemu-libs := $(vnl-libs)

test-view-objs := $(d)test-view.o vuserctl/view.o $(tap-objs)
test-view-libs := $(vnl-libs)
test-settings-objs := $(d)test-settings.o vuserctl/settings.o $(vnl-objs) \
	$(tap-objs)
test-settings-libs := $(vnl-libs)
test-output-objs := $(d)test-output.o vuserctl/output.o $(vnl-objs) \
	$(harness-objs)
test-output-libs := $(vnl-libs) json-c
