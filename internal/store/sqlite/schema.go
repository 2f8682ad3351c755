package sqlite

import (
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
)

//go:embed migrations
var migrations embed.FS

// settings of the writing connection. Pages of 8 KiB cost fewer writes than those of 4, and larger ones waste them. The automatic checkpoint stays at about 4 MB, in the writer: a larger one, or one
// beside the writer, makes the slowest commits ten times slower. A checkpoint that fails, be it for space or at its fsync,
// loses nothing: the log keeps all of it until a later one has copied it anew.
const settings = `
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 500;
PRAGMA cache_size = -32768;
PRAGMA temp_store = MEMORY;
`

// migrate brings the schema to the newest version, each step in a transaction of its own. A database of a newer version
// than this program knows is refused.
func migrate(c *conn) error {
	if err := c.exec(settings); err != nil {
		return err
	}
	have, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	steps, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	if have > int64(len(steps)) {
		return fmt.Errorf("the database has schema version %d, this program knows only %d: use a newer program", have, len(steps))
	}
	for _, step := range steps[have:] {
		version, err := strconv.Atoi(strings.TrimSuffix(step.Name(), ".sql"))
		if err != nil {
			return err
		}
		script, err := migrations.ReadFile(path.Join("migrations", step.Name()))
		if err != nil {
			return err
		}
		if err := c.exec(fmt.Sprintf("BEGIN;\n%s\nPRAGMA user_version = %d;\nCOMMIT;", script, version)); err != nil {
			return fmt.Errorf("migrate the schema to version %d: %w", version, err)
		}
	}
	return nil
}

// number reads one integer.
func (c *conn) number(sql string) (n int64, err error) {
	s, err := c.prepared(sql)
	if err != nil {
		return 0, err
	}
	_, err = s.first(func(row *stmt) { n = row.number(0) })
	return n, err
}
