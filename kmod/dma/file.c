// SPDX-License-Identifier: GPL-2.0
/* Properties of shmem and hugetlbfs files from consumers and servers. */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/shmem_fs.h>

#include "dma/file.h"

/**
 * vuser_file_is_hugetlb() - check whether a file consists of huge pages
 * @file: a file of any type
 *
 * Context: any.
 * Return: true for a regular file of hugetlbfs.
 */
bool vuser_file_is_hugetlb(struct file *file)
{
	struct inode *inode = file_inode(file);

	return S_ISREG(inode->i_mode) &&
	       inode->i_sb->s_magic == HUGETLBFS_MAGIC;
}

/**
 * vuser_file_is_memory() - check whether a file consists of memory
 * @file: a file of any type
 *
 * Checks the address space and not the file system: /dev is a tmpfs, but a device
 * node in it may be a whole disk.
 *
 * Context: any.
 * Return: true for a file of shmem or hugetlbfs.
 */
bool vuser_file_is_memory(struct file *file)
{
	return shmem_mapping(file->f_mapping) || vuser_file_is_hugetlb(file);
}

/**
 * vuser_file_sealed() - check whether a file is sealed against writing
 * @file: a file of shmem or hugetlbfs
 *
 * A writable mapping that is older than the seal may still write to the file.
 *
 * Context: any.
 * Return: true when mmap() would refuse a new writable shared mapping.
 */
bool vuser_file_sealed(struct file *file)
{
	struct inode *inode = file->f_mapping->host;
	unsigned int seals;

	if (vuser_file_is_hugetlb(file))
		seals = READ_ONCE(HUGETLBFS_I(inode)->seals);
	else
		seals = READ_ONCE(SHMEM_I(inode)->seals);
	return seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}
