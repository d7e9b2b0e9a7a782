// Makes each sync of a file 10 ms slower, as on a plain disk. Linux:
// cc -shared -fPIC -o /tmp/slow-sync.so bench/slow-sync.c -ldl
// LD_PRELOAD=/tmp/slow-sync.so npm run bench -- promise
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

static int slowly(const char *name, int file) {
  usleep(10000);
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
