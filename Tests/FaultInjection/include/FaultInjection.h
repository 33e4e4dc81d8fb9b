// A library that a test loads before all others (LD_PRELOAD), so that one call of the system fails in the program under test.
//
// Only calls on files and folders below one folder count, so that the loader, /proc and libraries do not. The environment says
// what happens:
//
//   CELLAR_FAULT_BELOW   the folder, without links
//   CELLAR_FAULT_LOG     a file: a line "NUMBER CALL PATH" for each call that counts, or for the one that was made to fail
//   CELLAR_FAULT_AT      the number of the call that fails, from 1; none fails without it
//   CELLAR_FAULT_WITH    the number of the error, or `short`: a call that transfers bytes then transfers half of them
//
// The calls: open, opendir, read, write, sendfile, fsync, rename, ftruncate, mmap, close, unlink and mkdir, under all names that
// the libraries of Cellar use. A file that cannot be closed is closed nevertheless, as Linux has it.
#ifndef CELLAR_FAULT_INJECTION_H
#define CELLAR_FAULT_INJECTION_H
#endif
