# SPDX-License-Identifier: GPL-2.0
# Tests of parts of vuserctl.
tests += test-view test-settings test-output test-bridge

test-bridge-objs := $(d)test-bridge.o vuserctl/bridge-unit.o $(harness-objs)
test-bridge-libs := $(vnl-libs)

test-view-objs := $(d)test-view.o vuserctl/view.o $(tap-objs)
test-view-libs := $(vnl-libs)
test-settings-objs := $(d)test-settings.o vuserctl/settings.o $(vnl-objs) \
	$(tap-objs)
test-settings-libs := $(vnl-libs)
test-output-objs := $(d)test-output.o vuserctl/output.o $(vnl-objs) \
	$(harness-objs)
test-output-libs := $(vnl-libs) json-c
