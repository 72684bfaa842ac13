# SPDX-License-Identifier: GPL-2.0
# vuser-vhost-blk, a vhost-user back end for tests.  It tracks the requests in
# flight, and exits at a step that the test chooses.  user/Makefile builds it.
programs += vuser-vhost-blk
vuser-vhost-blk-objs := $(addprefix $(d), main.o session.o answers.o \
	memory.o queue.o chain.o split.o packed.o disk.o crash.o)
vuser-vhost-blk-libs := libsystemd
