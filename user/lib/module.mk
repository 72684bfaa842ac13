# SPDX-License-Identifier: GPL-2.0
libvuser-objs := $(addprefix $(d), \
	proto.o proto-region.o proto-access.o version.o \
	sock.o fd.o rights.o msg.o \
	description.o handshake.o \
	guard.o event.o conn.o \
	server.o server-cmd.o server-region.o server-irq.o server-dma.o \
	server-feature.o server-migration.o \
	pci.o msix.o client.o \
	vhost-proto.o vhost-table.o vhost-check.o \
	vhost-wire.o vhost.o vhost-channel.o \
	vhost-request.o vhost-memory.o vhost-vring.o)
