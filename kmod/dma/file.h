/* SPDX-License-Identifier: GPL-2.0 */
/* Files of others that memory comes from. */
#ifndef VUSER_FILE_H
#define VUSER_FILE_H

#include <linux/types.h>

struct file;

bool vuser_file_is_hugetlb(struct file *file);
bool vuser_file_sealed(struct file *file);

#endif /* VUSER_FILE_H */
