/* SPDX-License-Identifier: GPL-2.0 */
/* Files by which servers signal interrupts. */
#ifndef VUSER_IRQ_FILE_H
#define VUSER_IRQ_FILE_H

struct file;

struct file *vuser_irq_file_open(struct file *eventfd);
void vuser_irq_file_close(struct file *file);

#endif /* VUSER_IRQ_FILE_H */
