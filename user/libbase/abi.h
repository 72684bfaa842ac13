/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Structures that a program fills and a library reads, or the other way round.
 *
 * Each starts with size_t struct_size, the size that the program was compiled
 * with. A structure grows at its end only; a new member starts at the old sizeof()
 * or later, never in the padding at the end of the old structure.
 */
#ifndef LIBBASE_ABI_H
#define LIBBASE_ABI_H

#include <stddef.h>

/**
 * vu_abi_read - copy a structure that a program filled
 * @to: the library's copy; members that the program does not know are 0
 * @size: size of @to, bytes
 * @from: the program's structure, or NULL: all members of @to are 0
 * @min: size of the structure in the first release, bytes
 *
 * Return: 0; -EINVAL when the program's structure is smaller than @min; -E2BIG
 * when it is larger than @size and the bytes after @size are not all 0: then the
 * program uses a member that this library does not have.
 */
int vu_abi_read(void *to, size_t size, const void *from, size_t min);

/**
 * vu_abi_write - fill a structure of a program
 * @to: the program's structure; its struct_size stays, members that the library
 *      does not know are set to 0
 * @from: the library's structure
 * @size: size of @from, bytes
 * @min: size of the structure in the first release, bytes
 *
 * Return: 0; -EINVAL when the program's structure is smaller than @min.
 */
int vu_abi_write(void *to, const void *from, size_t size, size_t min);

#endif /* LIBBASE_ABI_H */
