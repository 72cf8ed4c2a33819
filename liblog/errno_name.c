/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and texts of errno values, from a table of our own: libc's depend on the locale, and only some give the names.
 * A flat table, POSIX first.
 */
#include "errno_name.h"

#include <errno.h>
#include <stddef.h>

static const struct slog_errno_row rows[] = {
	{E2BIG, "E2BIG", "Argument list too long"},
	{EACCES, "EACCES", "Permission denied"},
	{EADDRINUSE, "EADDRINUSE", "Address already in use"},
	{EADDRNOTAVAIL, "EADDRNOTAVAIL", "Cannot assign requested address"},
	{EAFNOSUPPORT, "EAFNOSUPPORT", "Address family not supported by protocol"},
	{EAGAIN, "EAGAIN", "Resource temporarily unavailable"},
	{EALREADY, "EALREADY", "Operation already in progress"},
	{EBADF, "EBADF", "Bad file descriptor"},
	{EBADMSG, "EBADMSG", "Bad message"},
	{EBUSY, "EBUSY", "Device or resource busy"},
	{ECANCELED, "ECANCELED", "Operation canceled"},
	{ECHILD, "ECHILD", "No child processes"},
	{ECONNABORTED, "ECONNABORTED", "Software caused connection abort"},
	{ECONNREFUSED, "ECONNREFUSED", "Connection refused"},
	{ECONNRESET, "ECONNRESET", "Connection reset by peer"},
	{EDEADLK, "EDEADLK", "Resource deadlock avoided"},
	{EDESTADDRREQ, "EDESTADDRREQ", "Destination address required"},
	{EDOM, "EDOM", "Numerical argument out of domain"},
	{EDQUOT, "EDQUOT", "Disk quota exceeded"},
	{EEXIST, "EEXIST", "File exists"},
	{EFAULT, "EFAULT", "Bad address"},
	{EFBIG, "EFBIG", "File too large"},
	{EHOSTUNREACH, "EHOSTUNREACH", "No route to host"},
	{EIDRM, "EIDRM", "Identifier removed"},
	{EILSEQ, "EILSEQ", "Invalid or incomplete multibyte or wide character"},
	{EINPROGRESS, "EINPROGRESS", "Operation now in progress"},
	{EINTR, "EINTR", "Interrupted system call"},
	{EINVAL, "EINVAL", "Invalid argument"},
	{EIO, "EIO", "Input/output error"},
	{EISCONN, "EISCONN", "Transport endpoint is already connected"},
	{EISDIR, "EISDIR", "Is a directory"},
	{ELOOP, "ELOOP", "Too many levels of symbolic links"},
	{EMFILE, "EMFILE", "Too many open files"},
	{EMLINK, "EMLINK", "Too many links"},
	{EMSGSIZE, "EMSGSIZE", "Message too long"},
	{EMULTIHOP, "EMULTIHOP", "Multihop attempted"},
	{ENAMETOOLONG, "ENAMETOOLONG", "File name too long"},
	{ENETDOWN, "ENETDOWN", "Network is down"},
	{ENETRESET, "ENETRESET", "Network dropped connection on reset"},
	{ENETUNREACH, "ENETUNREACH", "Network is unreachable"},
	{ENFILE, "ENFILE", "Too many open files in system"},
	{ENOBUFS, "ENOBUFS", "No buffer space available"},
	{ENODEV, "ENODEV", "No such device"},
	{ENOENT, "ENOENT", "No such file or directory"},
	{ENOEXEC, "ENOEXEC", "Exec format error"},
	{ENOLCK, "ENOLCK", "No locks available"},
	{ENOLINK, "ENOLINK", "Link has been severed"},
	{ENOMEM, "ENOMEM", "Cannot allocate memory"},
	{ENOMSG, "ENOMSG", "No message of desired type"},
	{ENOPROTOOPT, "ENOPROTOOPT", "Protocol not available"},
	{ENOSPC, "ENOSPC", "No space left on device"},
	{ENOSYS, "ENOSYS", "Function not implemented"},
	{ENOTCONN, "ENOTCONN", "Transport endpoint is not connected"},
	{ENOTDIR, "ENOTDIR", "Not a directory"},
	{ENOTEMPTY, "ENOTEMPTY", "Directory not empty"},
	{ENOTRECOVERABLE, "ENOTRECOVERABLE", "State not recoverable"},
	{ENOTSOCK, "ENOTSOCK", "Socket operation on non-socket"},
	{ENOTSUP, "ENOTSUP", "Operation not supported"},
	{ENOTTY, "ENOTTY", "Inappropriate ioctl for device"},
	{ENXIO, "ENXIO", "No such device or address"},
	{EOVERFLOW, "EOVERFLOW", "Value too large for defined data type"},
	{EOWNERDEAD, "EOWNERDEAD", "Owner died"},
	{EPERM, "EPERM", "Operation not permitted"},
	{EPIPE, "EPIPE", "Broken pipe"},
	{EPROTO, "EPROTO", "Protocol error"},
	{EPROTONOSUPPORT, "EPROTONOSUPPORT", "Protocol not supported"},
	{EPROTOTYPE, "EPROTOTYPE", "Protocol wrong type for socket"},
	{ERANGE, "ERANGE", "Numerical result out of range"},
	{EROFS, "EROFS", "Read-only file system"},
	{ESPIPE, "ESPIPE", "Illegal seek"},
	{ESRCH, "ESRCH", "No such process"},
	{ESTALE, "ESTALE", "Stale file handle"},
	{ETIMEDOUT, "ETIMEDOUT", "Connection timed out"},
	{ETXTBSY, "ETXTBSY", "Text file busy"},
	{EXDEV, "EXDEV", "Invalid cross-device link"},
#ifdef __linux__
	{EHOSTDOWN, "EHOSTDOWN", "Host is down"},
	{ENODATA, "ENODATA", "No data available"},
	{ENOTBLK, "ENOTBLK", "Block device required"},
	{ENOTUNIQ, "ENOTUNIQ", "Name not unique on network"},
	{EPFNOSUPPORT, "EPFNOSUPPORT", "Protocol family not supported"},
	{EREMOTEIO, "EREMOTEIO", "Remote I/O error"},
	{ESHUTDOWN, "ESHUTDOWN", "Cannot send after transport endpoint shutdown"},
	{ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT", "Socket type not supported"},
	{ETOOMANYREFS, "ETOOMANYREFS", "Too many references: cannot splice"},
	{EUSERS, "EUSERS", "Too many users"},
	{ENOMEDIUM, "ENOMEDIUM", "No medium found"},
	{ENOKEY, "ENOKEY", "Required key not available"},
	{EKEYEXPIRED, "EKEYEXPIRED", "Key has expired"},
	{EKEYREVOKED, "EKEYREVOKED", "Key has been revoked"},
	{EKEYREJECTED, "EKEYREJECTED", "Key was rejected by service"},
#endif
};

static const struct slog_errno_row none = {0, "0", "Success"};
static const struct slog_errno_row unknown = {SLOG_ERRNO_UNKNOWN, "unknown", "Unknown error"};

const struct slog_errno_row *slog_errno_row(int error)
{
	if (error == 0)
		return &none;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].error == error)
			return &rows[i];
	return &unknown;
}
