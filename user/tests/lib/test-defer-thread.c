// SPDX-License-Identifier: GPL-2.0
/* A device that answers in another thread, for a synchronous client. */
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <vuser/client.h>
#include <vuser/server.h>

#include "../harness.h"

#define IOVA 0x100000
#define PAGE 4096

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct vuser_server *server;
	struct vuser_request *request;
	int reads;
	bool quit;
};

static void hand_over(struct worker *w)
{
	struct vuser_request *request = vuser_server_defer(w->server);

	if (!request)
		return;
	pthread_mutex_lock(&w->lock);
	check(!w->request);
	w->request = request;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static int worker_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	(void)index;
	(void)offset;
	(void)buf;
	(void)count;
	hand_over(data);
	return 0;
}

static int worker_reset(void *data)
{
	hand_over(data);
	return 0;
}

static void worker_unmap(void *data, const struct vuser_dma_region *region)
{
	(void)region;
	hand_over(data);
}

static void *answer(void *data)
{
	struct worker *w = data;
	uint32_t *value;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->request && !w->quit)
			pthread_cond_wait(&w->cond, &w->lock);
		if (!w->request)
			break;
		value = vuser_request_data(w->request);
		if (value)
			*value = ++w->reads;
		vuser_request_done(w->request, 0);
		w->request = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void *serve(void *data)
{
	struct worker *w = data;
	struct pollfd pfd = { .fd = vuser_server_fd(w->server),
			      .events = POLLIN };

	do {
		poll(&pfd, 1, -1);
		vuser_server_process(w->server);
	} while (vuser_server_connected(w->server));
	return NULL;
}

TEST(another_thread_answers_a_synchronous_client)
{
	static const struct vuser_server_ops worker_ops = {
		.struct_size = sizeof(worker_ops),
		.reset = worker_reset,
		.dma_unmap = worker_unmap,
	};
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = PAGE,
		.flags = VFIO_REGION_INFO_FLAG_READ,
		.access_max = 4,
		.read = worker_read,
		.fd = -1,
	};
	struct worker w = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
	};
	struct vuser_client *client;
	pthread_t loop;
	uint32_t values[2];
	int fds[2], i;

	require(!vuser_server_new(&worker_ops, NULL, &w, &w.server));
	require(!vuser_server_set_region(w.server, 0, &region));
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!vuser_server_serve(w.server, fds[0]));
	pthread_create(&w.thread, NULL, answer, &w);
	pthread_create(&loop, NULL, serve, &w);
	require(!vuser_client_new_fd(fds[1], NULL, 20000, NULL, NULL, &client));
	for (i = 0; i < 100; i++) {
		check_eq(vuser_client_read(client, 0, 0, values, 8), 0);
		check_eq(values[0], 2 * i + 1);
		check_eq(values[1], 2 * i + 2);
		check_eq(vuser_client_dma_map(client, IOVA, PAGE, 3, -1, 0), 0);
		check_eq(vuser_client_dma_unmap(client, IOVA, PAGE), 0);
		check_eq(vuser_client_reset(client), 0);
	}
	check_eq(vuser_client_dma_map(client, IOVA, PAGE, 3, -1, 0), 0);
	vuser_client_free(client);
	pthread_join(loop, NULL);
	vuser_server_free(w.server);
	pthread_mutex_lock(&w.lock);
	w.quit = true;
	pthread_cond_signal(&w.cond);
	pthread_mutex_unlock(&w.lock);
	pthread_join(w.thread, NULL);
}
