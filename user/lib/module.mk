# SPDX-License-Identifier: BSD-3-Clause
# vfio-user: servers, clients, messages.
libraries += libvuser
libvuser-dir := $(d)
libvuser-objs := $(addprefix $(d), \
	payload.o proto.o proto-region.o proto-access.o version.o \
	sock.o msg.o out.o \
	description.o handshake.o \
	guard.o event.o conn.o \
	server-state.o server-log.o server-region.o server-irq.o server-dirty.o server-dma.o \
	server-migration.o server-feature.o server-request.o server-cmd.o \
	server-access.o server.o \
	pci.o msix.o client.o library.o) $(libbase-objs)
libvuser-libs := json-c
