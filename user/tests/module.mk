# SPDX-License-Identifier: GPL-2.0
# Tests as functions, see harness.h; $(tap-objs) alone is for plain programs.
harness-objs := $(d)harness.o $(tap-objs)

lib-tests := test-proto test-region test-version test-sock test-fd \
	     test-event test-conn test-pci test-handshake test-server \
	     test-migration test-dma test-hostile
tests += $(lib-tests)

# Parts of vuserd.
vuserd-tests := test-endpoint test-explain test-requests test-device
tests += $(vuserd-tests)
test-endpoint-objs := $(d)test-endpoint.o $(d)wire.o vuserd/endpoint.o \
		      $(harness-objs)
test-explain-objs := $(d)test-explain.o vuserd/explain.o $(harness-objs)
test-requests-objs := $(d)test-requests.o $(d)request.o \
		      vuserd/requests.o $(harness-objs) netlink/vnl.o
test-requests-ldlibs := -Wl,--wrap=vnl_request,--wrap=vnl_call
test-requests-libs = $(vnl-libs)
test-device-objs := $(d)test-device.o $(d)request.o vuserd/device.o \
		    $(harness-objs) netlink/vnl.o netlink/dev.o netlink/names.o
test-device-ldlibs := -Wl,--wrap=vnl_dev_get,--wrap=vnl_port \
			-Wl,--wrap=vnl_request,--wrap=vnl_call
test-device-libs = $(vnl-libs) libsystemd

$(foreach t,$(lib-tests),$(eval $(t)-objs := $(d)$(t).o $(harness-objs)))
test-server-objs += $(d)device.o
test-migration-objs += $(d)device.o
test-dma-objs += $(d)device.o
test-sock-objs += $(d)wire.o
test-fd-objs += $(d)wire.o
test-conn-objs += $(d)wire.o
test-handshake-objs += $(d)wire.o
test-hostile-objs += $(d)device.o $(d)wire.o
test-server-libs := libsystemd
