# SPDX-License-Identifier: GPL-2.0

programs += vuser-testdev
vuser-testdev-objs := $(addprefix $(d),main.o area.o device.o control.o wire.o spoil.o kept.o)
