# SPDX-License-Identifier: GPL-2.0
libvuser-objs := $(addprefix $(d), \
	proto.o proto-region.o proto-access.o version.o \
	sock.o fd.o rights.o msg.o \
	description.o handshake.o \
	conn.o server.o server-cmd.o server-region.o server-irq.o server-dma.o \
	pci.o msix.o client.o)
