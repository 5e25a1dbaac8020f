package postgres

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stranglerfig/strangler/internal/store/internal/relational"
)

// connectTimeout bounds a connection attempt, and the ping of a connection that
// was idle, where the URL does not.
const connectTimeout = 5 * time.Second

// leastConns is what migrating needs: one connection holds the lock while
// another looks at the schema.
const leastConns = 2

// execMode is how statements are sent, where the URL does not say: their
// descriptions are remembered here and nothing in the server's session, which
// behind a pooler in transaction mode belongs to somebody else a moment later.
const execMode = pgx.QueryExecModeCacheDescribe

// parse reads a URL and fills in what this program needs. It never lets pgx's
// own errors out: they quote the URL, and hide passwords by best effort only.
func parse(address string) (*pgxpool.Config, error) {
	if err := checkShape(address); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %s; write postgres://user:password@host:5432/database?sslmode=require, with every special character of the password percent-encoded",
			relational.ErrAddress, complaint(err))
	}
	if !saysExecMode(address) {
		config.ConnConfig.DefaultQueryExecMode = execMode
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.MaxConns = max(config.MaxConns, leastConns)
	if config.PingTimeout == 0 {
		config.PingTimeout = connectTimeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "strangler"
	}
	return config, nil
}

// saysExecMode reports whether the URL chooses how statements are sent.
func saysExecMode(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Query().Has("default_query_exec_mode")
}

// checkShape refuses a URL whose password holds an unescaped slash or @: its
// rest would be taken for the host or the database's name, and then be printed.
func checkShape(address string) error {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return fmt.Errorf("%w: it does not start with postgres://", relational.ErrAddress)
	}
	before, after, _ := strings.Cut(rest, "/")
	if strings.Count(before, "@") > 1 || (!strings.Contains(before, "@") && strings.Contains(after, "@")) {
		return fmt.Errorf("%w: there is an @ too many, or one behind the first slash; write a slash in the password as %%2F, and an @ as %%40", relational.ErrAddress)
	}
	return nil
}

// complaint is the fixed part of a parse error: between the URL it quotes and
// the cause in parentheses, both of which may hold pieces of a password.
func complaint(err error) string {
	parsing, is := errors.AsType[*pgconn.ParseConfigError](err)
	if !is {
		return "it cannot be read"
	}
	text := parsing.Error()
	text = text[strings.LastIndex(text, "`: ")+1:]
	message, _, _ := strings.Cut(strings.TrimPrefix(text, ": "), " (")
	if strings.Contains(message, "TLS") {
		return message + " (look at sslmode, sslrootcert, sslcert and sslkey)"
	}
	return message
}

// display writes the address without password and parameters.
func display(config *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgres", Path: "/" + config.Database}
	if config.User != "" {
		u.User = url.User(config.User)
	}
	u.Host = net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	if strings.HasPrefix(config.Host, "/") {
		u.Host = ""
		u.RawQuery = url.Values{"host": {config.Host}, "port": {strconv.Itoa(int(config.Port))}}.Encode()
	}
	return u.String()
}
