// SPDX-License-Identifier: GPL-2.0
/* Files of others that memory comes from: shmem and hugetlbfs. */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/shmem_fs.h>

#include "dma/file.h"

/**
 * vuser_file_is_hugetlb() - does it consist of huge pages?
 * @file: any
 *
 * Return: true for a regular file of hugetlbfs.
 */
bool vuser_file_is_hugetlb(struct file *file)
{
	struct inode *inode = file_inode(file);

	return S_ISREG(inode->i_mode) &&
	       inode->i_sb->s_magic == HUGETLBFS_MAGIC;
}

/**
 * vuser_file_sealed() - is it too late to map it for writing?
 * @file: of shmem or hugetlbfs
 *
 * Mappings that were there before it was sealed may still write.
 *
 * Return: true when mmap would refuse it.
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
