# SPDX-License-Identifier: GPL-2.0
# Code that the device servers share.
server-event-objs := $(d)server-event.o
state-file-objs := $(d)state-file.o
server-event-libs := libsystemd
