# SPDX-License-Identifier: GPL-2.0
# Harnesses for libFuzzer; `make FUZZ=1 fuzzers` builds them.
fuzz-objs := $(d)fuzz.o
fuzz-stream-objs := $(d)stream.o $(d)stream-mutator.o $(fuzz-objs)

fuzzers += fuzz-decode fuzz-version fuzz-framing fuzz-server fuzz-client \
	   fuzz-handshake fuzz-netlink fuzz-vhost fuzz-vhost-decode \
	   fuzz-vhost-state fuzz-vuserd fuzz-result
fuzz-decode-objs := $(d)fuzz-decode.o $(fuzz-objs)
fuzz-version-objs := $(d)fuzz-version.o $(fuzz-objs)
fuzz-framing-objs := $(d)fuzz-framing.o $(fuzz-stream-objs)
fuzz-server-objs := $(d)fuzz-server.o $(fuzz-stream-objs)
fuzz-client-objs := $(d)fuzz-client.o $(fuzz-stream-objs)
fuzz-vhost-objs := $(d)fuzz-vhost.o $(fuzz-stream-objs)
fuzz-vhost-decode-objs := $(d)fuzz-vhost-decode.o $(fuzz-objs)
fuzz-vhost-state-objs := $(d)fuzz-vhost-state.o $(fuzz-objs) \
	$(addprefix devices/vhost/,state.o stream.o)
fuzz-handshake-objs := $(d)fuzz-handshake.o $(d)netlink.o $(fuzz-stream-objs) \
	$(addprefix vuserd/,attach.o config.o) \
	$(vnl-objs)
fuzz-handshake-libs := libnl-3.0 libnl-genl-3.0
fuzz-vuserd-objs := $(d)fuzz-vuserd.o $(d)connection.o $(d)netlink.o \
	$(fuzz-stream-objs) \
	$(addprefix vuserd/,helper.o family.o device.o config.o attach.o fdmsg.o \
		explain.o) \
	$(vnl-objs)
fuzz-vuserd-libs := libnl-3.0 libnl-genl-3.0 libsystemd
fuzz-result-objs := $(d)fuzz-result.o $(fuzz-objs) vuserd/result.o
fuzz-netlink-objs := $(d)fuzz-netlink.o $(d)netlink.o $(fuzz-objs) \
	vuserd/fdmsg.o \
	$(vnl-objs)
fuzz-netlink-libs := libnl-3.0 libnl-genl-3.0

comma := ,
# Peers would wait for each other in poll(), so stream.c replaces it.
$(foreach f,$(fuzzers),$(eval $(f)-ldlibs := -fsanitize=fuzzer))
$(foreach f,framing server client handshake vhost vuserd,$(eval \
	fuzz-$(f)-ldlibs += -Wl$(comma)--wrap=poll -Wl$(comma)--wrap=vu_fd_close))
fuzz-result-ldlibs += -Wl$(comma)--wrap=vu_fd_close
fuzz-server-ldlibs += -Wl$(comma)--wrap=vu_event_signal

# fuzz-insn compares the decoder with Zydis, and needs its library.
ifneq ($(wildcard /usr/include/Zydis/Zydis.h),)
fuzzers += fuzz-insn
fuzz-insn-objs := $(d)fuzz-insn.o $(fuzz-objs) \
	$(addprefix tests/insn/,reference.o supported.o emulate.o native.o) \
	$(addprefix $(top)kmod/x86/,decode.o decode_int.o decode_bmi.o \
	decode_vec.o decode_x87.o fetch.o emulate.o emulate_vec.o \
	emulate_x87.o)
fuzz-insn-cppflags := -I../kmod -Itests/insn/include
fuzz-insn-ldlibs := -fsanitize=fuzzer -lZydis
endif

# Code generated at run time has no type that -fsanitize=function could check.
ifeq ($(FUZZ),1)
$(obj)tests/insn/native.o: all-cflags += -fno-sanitize=function
endif
