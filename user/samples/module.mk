# SPDX-License-Identifier: BSD-3-Clause
#
# Samples of device servers.  Documentation/writing-a-server.rst explains them.

programs += sample-null sample-gpio

sample-null-objs := $(d)null.o
sample-gpio-objs := $(d)gpio.o

# A callback does not need all of its parameters; the samples stay short.
sample-null-cppflags := -Wno-unused-parameter
sample-gpio-cppflags := -Wno-unused-parameter
