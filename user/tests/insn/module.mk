# SPDX-License-Identifier: GPL-2.0
# Tests of the kernel module's instruction decoder, in user space.
insn-objs := $(addprefix $(top)kmod/x86/,decode.o decode_int.o decode_bmi.o \
	decode_vec.o decode_x87.o fetch.o emulate.o emulate_vec.o \
	emulate_x87.o)
insn-tests := test-insn-refuse test-insn-decode test-insn-exec test-insn-x87
tests += $(insn-tests)

test-insn-refuse-objs := $(d)test-insn-refuse.o $(insn-objs) $(tap-objs)

# Without Zydis this test reports one skipped test.
ifneq ($(wildcard /usr/include/Zydis/Zydis.h),)
test-insn-decode-objs := $(d)test-insn-decode.o $(d)reference.o $(d)supported.o $(d)forms.o \
			 $(insn-objs) $(tap-objs)
test-insn-decode-ldlibs := -lZydis
else
test-insn-decode-objs := $(d)no-zydis.o $(tap-objs)
endif

test-insn-exec-objs := $(d)test-insn-exec.o $(d)emulate.o $(d)native.o \
		       $(d)forms.o $(insn-objs) $(tap-objs)
test-insn-x87-objs := $(d)test-insn-x87.o $(d)forms.o $(insn-objs) $(tap-objs)
$(foreach t,$(insn-tests),$(eval $(t)-cppflags := -I../kmod -I$(d)include))
