# SPDX-License-Identifier: GPL-2.0
# Tests of the kernel module's copies to and from DMA memory, in user space.
tests += test-dma-copy
test-dma-copy-objs := $(d)test-dma-copy.o $(top)kmod/dma/copy.o $(tap-objs)
test-dma-copy-cppflags := -I../kmod -I$(d)include -I$(d)../insn/include
