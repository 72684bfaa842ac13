/* SPDX-License-Identifier: GPL-2.0 */
/* The thread that carries out the descriptors of a channel. */
#ifndef IOAT_COPY_THREAD_H
#define IOAT_COPY_THREAD_H

struct ioat_channel;

int ioat_copy_thread_start(struct ioat_channel *c);

#endif
