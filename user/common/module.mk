# SPDX-License-Identifier: GPL-2.0
# What the device servers share.
server-event-objs := $(d)server-event.o
server-event-libs := libsystemd
