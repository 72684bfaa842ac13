# SPDX-License-Identifier: GPL-2.0
# vuser-testdev, the device that the selftests use.  user/Makefile builds it.
programs += vuser-testdev
vuser-testdev-objs := $(addprefix $(d), \
	main.o area.o device.o control.o wire.o corrupt.o kept.o shadow.o \
	model.o)
