# SPDX-License-Identifier: GPL-2.0
# A vhost-user back-end for tests: it keeps track of what is in flight, and can
# be told where to die.
programs += vuser-vhost-blk
vuser-vhost-blk-objs := $(addprefix $(d), main.o session.o answers.o \
	memory.o queue.o chain.o split.o packed.o disk.o crash.o)
# Its messages travel as the front-end's do.
vuser-vhost-blk-cppflags := -Ilib
