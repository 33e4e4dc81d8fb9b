// A section of its own, which packaging writes into the linked program (Packaging/README.md).
#include "CCommit.h"

#if defined(__ELF__)
__attribute__((section(".cellar_commit"), used))
#endif
static const volatile char commit[64] = "";

const char *cellar_commit(void) { return (const char *)commit; }
