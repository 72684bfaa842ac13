// SPDX-License-Identifier: GPL-2.0
/*
 * Copies to and from memory that another processor or a device accesses at the
 * same time.  The accesses to this memory are aligned words of 8 bytes, in
 * ascending order, as a device on a PCI bus makes them.  So a program that sees a
 * flag also sees the data before the flag, and sees all bytes of a word change at
 * once.  memcpy() promises neither of these.
 *
 * x86 processors make stores visible in program order, and make loads in program
 * order, so no barrier is needed.  user/tests compiles this file in user space,
 * too.
 */
#include <linux/compiler.h>
#include <linux/string.h>

#include "dma/copy.h"

/*
 * Returns the size of the next access at @mem, if @len bytes are left: the largest
 * power of two, at most 8, for which the access is aligned.
 */
static size_t vuser_copy_piece(const void *mem, size_t len)
{
	size_t piece = 8;

	while (piece > len || (unsigned long)mem % piece)
		piece /= 2;
	return piece;
}

static void vuser_copy_store(void *mem, const void *buf, size_t size)
{
	u64 val = 0;

	switch (size) {
	case 8:
		memcpy(&val, buf, 8);
		WRITE_ONCE(*(u64 *)mem, val);
		break;
	case 4:
		memcpy(&val, buf, 4);
		WRITE_ONCE(*(u32 *)mem, (u32)val);
		break;
	case 2:
		memcpy(&val, buf, 2);
		WRITE_ONCE(*(u16 *)mem, (u16)val);
		break;
	default:
		WRITE_ONCE(*(u8 *)mem, *(const u8 *)buf);
		break;
	}
}

static void vuser_copy_load(void *buf, const void *mem, size_t size)
{
	u64 val;

	switch (size) {
	case 8:
		val = READ_ONCE(*(const u64 *)mem);
		memcpy(buf, &val, 8);
		break;
	case 4:
		val = READ_ONCE(*(const u32 *)mem);
		memcpy(buf, &val, 4);
		break;
	case 2:
		val = READ_ONCE(*(const u16 *)mem);
		memcpy(buf, &val, 2);
		break;
	default:
		*(u8 *)buf = READ_ONCE(*(const u8 *)mem);
		break;
	}
}

/**
 * vuser_copy_to() - copy to memory that others access
 * @mem: the memory; may be mapped device memory
 * @buf: private memory; need not be aligned
 * @len: bytes
 *
 * Stores to @mem in ascending order, in aligned words of 8 bytes.  Words that the
 * range covers only in part are stored in aligned pieces of 4, 2 and 1 bytes.
 *
 * Context: any.
 */
void vuser_copy_to(void *mem, const void *buf, size_t len)
{
	size_t piece;

	while (len) {
		piece = vuser_copy_piece(mem, len);
		vuser_copy_store(mem, buf, piece);
		mem += piece;
		buf += piece;
		len -= piece;
	}
}

/**
 * vuser_copy_from() - copy from memory that others access
 * @buf: private memory; need not be aligned
 * @mem: the memory; may be mapped device memory
 * @len: bytes
 *
 * Loads from @mem as vuser_copy_to() stores.
 *
 * Context: any.
 */
void vuser_copy_from(void *buf, const void *mem, size_t len)
{
	size_t piece;

	while (len) {
		piece = vuser_copy_piece(mem, len);
		vuser_copy_load(buf, mem, piece);
		mem += piece;
		buf += piece;
		len -= piece;
	}
}
