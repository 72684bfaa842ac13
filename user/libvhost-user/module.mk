# SPDX-License-Identifier: BSD-3-Clause
# The front end of vhost-user.
libraries += libvhost-user
libvhost-user-dir := $(d)
libvhost-user-objs := $(addprefix $(d), \
	check.o table.o proto.o wire.o state.o error.o names.o connection.o \
	channel.o call.o request.o memory.o vring.o postcopy.o backend.o \
	library.o) \
	$(libbase-objs)
