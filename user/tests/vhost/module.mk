# SPDX-License-Identifier: GPL-2.0
# The vhost-user front-end: its messages, its requests to a scripted back-end.
vhost-tests := test-vhost-proto test-vhost-request
tests += $(vhost-tests)

$(foreach t,$(vhost-tests),$(eval $(t)-objs := $(d)$(t).o $(harness-objs)))
test-vhost-request-objs += $(d)fake.o
