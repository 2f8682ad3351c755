package savetodisk

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// The formats of files.
const (
	formatRaw  = "raw"
	formatJSON = "json"
)

// Config is the module-config of "save_to_disk".
type Config struct {
	// Path is the directory for the files, below base_dir: relative to it, or absolute and inside it. It is made, with
	// mode 0700, when it is missing.
	Path string `yaml:"path"`
	// BaseDir is the directory that nothing is written outside of; the working directory when it is not written.
	BaseDir string `yaml:"base_dir"`
	// FilenamePattern names the files. It must hold {id}, the event's id. {webhook} is the name of the webhook, {date} the
	// day of receipt (2006-01-02), {timestamp} the moment (20060102T150405.000Z), both in UTC, and {ext} an ending that
	// fits the content. A / makes directories: {webhook}/{date}/{id}.{ext}
	FilenamePattern string `yaml:"filename_pattern"`
	// Format is what a file holds: raw is the body as it was received; json is an object with id, webhook, received_at,
	// method, url, headers, and the body as a text (body) or, when it is not UTF-8, in base64 (body_base64).
	Format string `yaml:"format" enum:"raw|json"`
}

// Validate refuses what would leave base_dir, and names that could not be told apart.
func (c *Config) Validate() error {
	_, err := c.directory()
	return errors.Join(err, validatePattern(c.FilenamePattern))
}

// directory gives path relative to base_dir, with slashes.
func (c *Config) directory() (string, error) {
	for key, value := range map[string]string{"path": c.Path, "base_dir": c.BaseDir} {
		if strings.ContainsRune(value, 0) {
			return "", fmt.Errorf("%s: contains a NUL byte", key)
		}
	}
	if strings.Contains("/"+filepath.ToSlash(c.Path)+"/", "/../") {
		return "", errors.New(`path: must not contain ".."`)
	}
	if !filepath.IsAbs(c.Path) {
		return filepath.ToSlash(filepath.Clean(c.Path)), nil
	}
	base, err := filepath.Abs(c.BaseDir)
	if err != nil {
		return "", fmt.Errorf("base_dir: %w", err)
	}
	relative, err := filepath.Rel(base, c.Path)
	if err != nil || !filepath.IsLocal(relative) {
		return "", fmt.Errorf("path: %s is outside of base_dir, %s: write base_dir: %s to allow it", c.Path, base, c.Path)
	}
	return filepath.ToSlash(relative), nil
}
