# SPDX-License-Identifier: GPL-2.0
# Code that the programs share.
server-event-objs := $(d)server-event.o
state-file-objs := $(d)state-file.o
server-event-libs := libsystemd
exit-status-objs := $(d)exit-status.o
option-objs := $(addprefix $(d),option.o complete.o)
