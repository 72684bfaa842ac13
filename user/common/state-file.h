/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that keeps the state of a device while its program is killed and started
 * again.
 *
 * The file is mapped shared. Each store of the program is in the file at that
 * instant, and the kernel keeps the file when the program is killed. The state is
 * lost when the host loses power.
 *
 * A program can be killed between any two instructions. So it must store its state
 * in an order in which the file is complete at each instant. One way is a record
 * in two copies, with state_file_put().
 */
#ifndef COMMON_STATE_FILE_H
#define COMMON_STATE_FILE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Size of the texts of struct state_file_kind, with the final 0. */
#define STATE_FILE_PROGRAM 32
#define STATE_FILE_DEVICE  1024
#define STATE_FILE_WHY	   8192

/**
 * struct state_file_kind - what a state file belongs to
 * @program: name of the program
 * @version: version of the layout of the state
 * @device: the options that make the device what it is, as text. A state of other
 *	options is refused.
 * @size: size of the state, bytes
 */
struct state_file_kind {
	const char *program;
	uint32_t version;
	const char *device;
	size_t size;
};

/**
 * struct state_file - an open state file
 * @fd: the file, which is locked; -1 if it is not open
 * @header: start of the mapping
 * @data: the state: 0 in a new file; aligned to a page
 * @size: bytes of @data
 */
struct state_file {
	int fd;
	void *header;
	void *data;
	size_t size;
};

/**
 * state_file_open - open or create the state file of a device, and lock it
 * @file: result
 * @path: path of the file
 * @kind: what the file must belong to
 * @why: set on failure to a text that names the file, the reason and what to do
 *	next; STATE_FILE_WHY bytes
 *
 * The lock ends with the program, however it ends. A file that is longer or
 * shorter than the state, or that has another version or device, is refused and
 * not changed.
 *
 * Return: 1 if the file has a state; 0 if it is new: store the first state, then
 * call state_file_begin(); or -errno.
 */
int state_file_open(struct state_file *file, const char *path,
		    const struct state_file_kind *kind, char *why);

/**
 * state_file_begin - mark the state of a new file complete
 * @file: file
 */
void state_file_begin(struct state_file *file);

/**
 * state_file_close - unmap and unlock the file; the state stays in it
 * @file: file, or one with fd -1
 */
void state_file_close(struct state_file *file);

/**
 * state_file_put - replace a record, in one step
 * @now: number of the current copy, 0 or 1
 * @copies: two copies of the record, one after the other
 * @size: bytes of one copy
 * @record: the new contents
 *
 * Whenever the program is killed, the file has either the old or the new contents.
 * The caller makes sure that one thread at a time calls this for a record.
 */
void state_file_put(_Atomic uint32_t *now, void *copies, size_t size,
		    const void *record);

#endif /* COMMON_STATE_FILE_H */
