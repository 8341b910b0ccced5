// SPDX-License-Identifier: Apache-2.0
//
// The test traffic and its digest, message for message and bit for bit what the Go package
// conformance/lab/stream makes. Little-endian machines only.

#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_MESSAGE 65536
#define BASE_PPID 0x4c414200u
#define OFFSETS (1 << 18)
#define OFFSET_STEP 4099
#define STREAMS 65536

static const int sizes[16] = {1, 65536, 2, 1452, 3, 16384, 4, 1453, 5, 100, 4096, 1200, 63, 9000, 32768, 452};

struct source {
	uint8_t *block;
	int64_t next, left;
	int streams, max_message;
};

struct message {
	uint16_t stream;
	uint32_t ppid;
	const uint8_t *data;
	size_t size;
};

struct sum {
	int64_t messages, bytes;
	uint64_t hash, set;
};

static inline void source_init(struct source *s, uint64_t seed, int64_t bytes, int streams, int max_message)
{
	uint64_t x = seed;
	s->block = malloc(OFFSETS + LARGEST_MESSAGE);
	s->next = 0;
	s->left = bytes;
	s->streams = streams ? streams : 1;
	s->max_message = max_message ? max_message : LARGEST_MESSAGE;
	for (size_t i = 0; i < OFFSETS + LARGEST_MESSAGE; i += 8) {
		x += 0x9e3779b97f4a7c15u;
		uint64_t z = x;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		z ^= z >> 31;
		memcpy(s->block + i, &z, 8);
	}
}

// source_next makes the next message; 0 after the last.
static inline int source_next(struct source *s, struct message *m)
{
	if (s->left == 0)
		return 0;
	int64_t i = s->next++;
	int64_t size = sizes[i % 16];
	if (size > s->max_message)
		size = s->max_message;
	if (size > s->left)
		size = s->left;
	s->left -= size;
	m->stream = (uint16_t)((i + i / 16) % s->streams);
	m->ppid = BASE_PPID + (uint32_t)(i % 256);
	m->data = s->block + i * OFFSET_STEP % OFFSETS;
	m->size = (size_t)size;
	return 1;
}

static inline uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

// digest_add appends a message to its stream; sums has STREAMS elements.
static inline void digest_add(struct sum *sums, uint16_t stream, uint32_t ppid, const uint8_t *data, size_t size)
{
	struct sum *s = &sums[stream];
	uint64_t word, h = mix(size, (uint64_t)stream << 32 | ppid);
	size_t i;
	for (i = 0; i + 8 <= size; i += 8) {
		memcpy(&word, data + i, 8);
		h = mix(h, word);
	}
	if (i < size) {
		word = 0;
		memcpy(&word, data + i, size - i);
		h = mix(h, word);
	}
	s->messages++;
	s->bytes += (int64_t)size;
	s->hash = mix(s->hash, h);
	s->set += h;
}

static inline struct sum digest_total(const struct sum *sums)
{
	struct sum t = {0, 0, 0, 0};
	for (int id = 0; id < STREAMS; id++) {
		if (sums[id].messages == 0)
			continue;
		t.messages += sums[id].messages;
		t.bytes += sums[id].bytes;
		t.hash = mix(mix(t.hash, (uint64_t)id), sums[id].hash);
		t.set += sums[id].set;
	}
	return t;
}

#define SUM_FORMAT "messages=%" PRId64 " bytes=%" PRId64 " hash=%016" PRIx64 " set=%016" PRIx64
#define SUM_ARGS(s) (s).messages, (s).bytes, (s).hash, (s).set

#endif
