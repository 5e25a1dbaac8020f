package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// The SQLSTATE codes that need advice of their own.
const (
	codeNoPrivilege     = "42501"
	codeReadOnly        = "25006"
	codeBadPassword     = "28P01"
	codeNotAuthorised   = "28000"
	codeNoDatabase      = "3D000"
	codeTooManyConns    = "53300"
	codeIdleTransaction = "25P03"
	codeLockTimeout     = "55P03"
	codeSerialization   = "40001" // also: a standby that had to end a reading
	codeDeadlock        = "40P01"
	codeNoStatement     = "26000" // a pooler gave the connection to somebody else meanwhile
	codeStatementTaken  = "42P05" // likewise
)

// away reports whether the error says that the server cannot be reached, is
// shutting down, or refuses this role: nothing that was asked is wrong.
func away(err error) bool {
	if server, is := errors.AsType[*pgconn.PgError](err); is {
		return refuses(server.Code)
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func refuses(code string) bool {
	switch code {
	case codeNoPrivilege, codeReadOnly, codeNoDatabase, codeIdleTransaction, codeLockTimeout,
		codeSerialization, codeDeadlock, codeNoStatement, codeStatementTaken:
		return true
	}
	// Connection exceptions, authorisation, insufficient resources, operator
	// intervention (which covers shutdown and start-up), system errors.
	for _, class := range []string{"08", "28", "53", "57", "58"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// refused reports whether a failed commit was not made: the server said so. When
// the connection broke, nobody knows.
func refused(err error) bool {
	_, said := errors.AsType[*pgconn.PgError](err)
	return said
}

// advice says what to do about an error that away recognises.
func advice(err error) string {
	server, is := errors.AsType[*pgconn.PgError](err)
	if !is {
		return ""
	}
	switch server.Code {
	case codeNoPrivilege:
		return "grant this role SELECT, INSERT, UPDATE and DELETE on the store's tables (events: SELECT and INSERT), or let `strangler migrate up` run as their owner"
	case codeReadOnly:
		return "this server is a read-only replica: name the primary in the database URL"
	case codeBadPassword, codeNotAuthorised:
		return "check user and password in the database URL, and the server's pg_hba.conf"
	case codeNoDatabase:
		return "create the database, or correct its name in the database URL"
	case codeTooManyConns:
		return "raise max_connections of the server, or lower pool_max_conns in the database URL"
	case codeNoStatement, codeStatementTaken:
		return "this is a pooler that knows no prepared statements: take default_query_exec_mode out of the database URL, or name the server itself"
	default:
		return ""
	}
}

// unavailable reports whether an operation failed because the database is away,
// or slow beyond its deadline.
func unavailable(err error) bool {
	return errors.Is(err, rollout.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}
