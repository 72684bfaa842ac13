/* SPDX-License-Identifier: GPL-2.0 */
/* Properties of shmem and hugetlbfs files from consumers and servers. */
#ifndef VUSER_FILE_H
#define VUSER_FILE_H

#include <linux/types.h>

struct file;

bool vuser_file_is_memory(struct file *file);
bool vuser_file_is_hugetlb(struct file *file);
bool vuser_file_sealed(struct file *file);

#endif /* VUSER_FILE_H */
