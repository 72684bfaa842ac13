# SPDX-License-Identifier: BSD-3-Clause
# The front end of vhost-user.
libraries += libvhost-user
libvhost-user-dir := $(d)
libvhost-user-objs := $(addprefix $(d), \
	proto.o table.o check.o wire.o backend.o channel.o request.o \
	memory.o vring.o library.o) $(libbase-objs)
