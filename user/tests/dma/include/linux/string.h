/* SPDX-License-Identifier: GPL-2.0 */
/* memcpy() for files of the module in user space. */
#include <string.h>
