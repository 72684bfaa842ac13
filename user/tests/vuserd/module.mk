# SPDX-License-Identifier: GPL-2.0
# Tests of parts of vuserd.
tests += test-endpoint test-explain test-fdmsg test-device

test-endpoint-objs := $(d)test-endpoint.o $(wire-objs) vuserd/endpoint.o \
		      $(harness-objs)
test-explain-objs := $(d)test-explain.o vuserd/explain.o $(harness-objs)
test-fdmsg-objs := $(d)test-fdmsg.o $(d)request.o \
		      vuserd/fdmsg.o $(harness-objs) netlink/sock.o netlink/msg.o
test-fdmsg-ldlibs := -Wl,--wrap=vnl_sock_request,--wrap=vnl_sock_call
test-fdmsg-libs := $(vnl-libs)
test-device-objs := $(d)test-device.o $(d)request.o vuserd/device.o \
		    vuserd/explain.o \
		    $(harness-objs) $(vnl-objs)
test-device-ldlibs := -Wl,--wrap=vnl_dev_get,--wrap=vnl_sock_port \
			-Wl,--wrap=vnl_sock_request,--wrap=vnl_sock_call
test-device-libs := $(vnl-libs) libsystemd
tests += test-result test-connection
test-result-objs := $(d)test-result.o vuserd/result.o $(wire-objs) $(harness-objs)
test-connection-objs := $(d)test-connection.o tests/lib/device.o $(wire-objs) \
	$(addprefix vuserd/,connection.o worker.o result.o caps.o config.o \
		endpoint.o explain.o) $(harness-objs)
test-connection-libs := libsystemd
