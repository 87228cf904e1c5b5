/* What Rust's library asks Windows for random bytes with (bcryptprimitives.dll), for a wine that lacks it. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
    return count <= MAXDWORD && RtlGenRandom(bytes, (ULONG)count);
}
