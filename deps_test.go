// SPDX-License-Identifier: Apache-2.0

package rserpool_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/rserpool/rserpool"

// conformanceCases is what the cases of the conformance suite may import: codecs, and nothing of what they check.
var conformanceCases = []string{"asap", "asap/param", "conformance", "conformance/tester", "enrp", "sctp/wire"}

// layers says what each package may import of ours: the picture of
// ARCHITECTURE.md. It is a statement of policy, not a record of what happens
// to be imported. A package below a listed one, and not listed itself, is
// test support and has no rule but that nothing here imports it.
var layers = map[string][]string{
	"sctp/wire":   {},
	"sctp/assoc":  {"sctp/wire"},
	"udpencap":    {},
	"sctp/simnet": {"udpencap"},
	"sctp":        {"sctp/assoc", "sctp/wire", "udpencap"},

	"udpencap/pionnet": {"udpencap"},
	"sctp/dtlsnet":     {"sctp", "udpencap"},

	"asap/param":  {},
	"asap":        {"asap/param"},
	"enrp":        {"asap/param"},
	"pool/policy": {"asap/param"},
	"asap/agent":  {"asap", "asap/param", "pool/policy"},

	"registrar/handlespace": {"asap/param", "pool/policy"},
	"registrar/engine":      {"asap", "asap/param", "enrp", "pool/policy", "registrar/handlespace"},

	"sim": {"asap", "asap/agent", "asap/param", "enrp", "pool/policy", "registrar/engine", "registrar/handlespace"},

	"pool":      {"asap", "asap/agent", "asap/param", "pool/policy", "sctp", "udpencap"},
	"registrar": {"asap", "asap/param", "enrp", "pool/policy", "registrar/engine", "registrar/handlespace", "sctp", "udpencap"},

	"registrar/admin": {"asap/param", "enrp", "registrar"},

	"service/pingpong":  {},
	"service/fractal":   {},
	"service/csp":       {},
	"service/calcapp":   {},
	"service/scripting": {},
	"service/sandbox":   {},
	"service": {
		"pool",
		"sctp",
		"service/calcapp",
		"service/fractal",
		"service/pingpong",
		"service/sandbox",
		"service/scripting",
	},

	"perf": {"sctp"},

	"conformance/tester":  {"asap", "enrp", "sctp/wire", "udpencap"},
	"conformance":         {"asap", "asap/param", "conformance/tester", "enrp", "sctp/wire", "udpencap"},
	"conformance/report":  {"conformance"},
	"conformance/shim":    {"conformance"},
	"conformance/control": {"conformance", "conformance/shim"},
	"conformance/rfc3758": conformanceCases,
	"conformance/rfc4820": conformanceCases,
	"conformance/rfc4895": conformanceCases,
	"conformance/rfc5061": conformanceCases,
	"conformance/rfc5352": conformanceCases,
	"conformance/rfc5353": conformanceCases,
	"conformance/rfc5354": conformanceCases,
	"conformance/rfc5356": conformanceCases,
	"conformance/rfc6525": conformanceCases,
	"conformance/rfc6951": conformanceCases,
	"conformance/rfc7829": conformanceCases,
	"conformance/rfc8260": conformanceCases,
	"conformance/rfc9260": conformanceCases,
	"conformance/all":     {"conformance", "conformance/rfc3758", "conformance/rfc4820", "conformance/rfc4895", "conformance/rfc5061", "conformance/rfc5352", "conformance/rfc5353", "conformance/rfc5354", "conformance/rfc5356", "conformance/rfc6525", "conformance/rfc6951", "conformance/rfc7829", "conformance/rfc8260", "conformance/rfc9260"},

	"cmd/rserpool": {
		"asap",
		"asap/param",
		"conformance",
		"conformance/all",
		"conformance/control",
		"conformance/report",
		"perf",
		"pool",
		"pool/policy",
		"registrar",
		"registrar/admin",
		"sctp",
		"service",
		"service/calcapp",
		"service/csp",
		"service/fractal",
		"service/sandbox",
		"service/scripting",
		"udpencap",
	},
}

// pure packages do no input or output and know no time but their arguments'.
var pure = []string{
	"sctp/wire", "sctp/assoc", "asap/param", "asap", "enrp", "asap/agent",
	"pool/policy", "registrar/handlespace", "registrar/engine", "sim", "service/pingpong", "service/fractal", "service/csp",
	"service/calcapp", "service/scripting",
}

// small packages must stay cheap to import: they link the standard library,
// x/net and x/sys only.
var small = []string{
	"sctp", "sctp/wire", "sctp/assoc", "sctp/simnet", "udpencap", "asap", "asap/param", "asap/agent", "enrp",
	"pool", "pool/policy", "service", "service/pingpong", "service/fractal", "service/csp",
	"service/calcapp", "service/scripting", "service/sandbox",
}

// pureImports are the standard packages a pure package must not import.
var pureImports = []string{"net", "os", "sync", "sync/atomic", "syscall", "log", "log/slog", "context", "crypto/rand", "io/fs", "runtime"}

// pureCalls are what a pure package must not call of those it may import.
var pureCalls = map[string][]string{
	"time": {"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Since", "Until"},
	"math/rand/v2": {"Int", "IntN", "Int32", "Int32N", "Int64", "Int64N", "Uint32", "Uint32N", "Uint64", "Uint64N",
		"UintN", "N", "Float32", "Float64", "Shuffle", "Perm", "NormFloat64", "ExpFloat64"},
}

type file struct {
	dir  string
	name string
	set  *token.FileSet
	ast  *ast.File
}

func sources(t *testing.T) (files []file) {
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, file{filepath.ToSlash(filepath.Dir(p)), filepath.ToSlash(p), set, f})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func (f *file) test() bool { return strings.HasSuffix(f.name, "_test.go") }

func (f *file) imports() (paths []string) {
	for _, i := range f.ast.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range sources(t) {
		allowed, ruled := layers[f.dir]
		seen[f.dir] = true
		for _, imp := range f.imports() {
			ours, ok := strings.CutPrefix(imp, module+"/")
			if !ok || f.test() {
				continue
			}
			if ruled && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which the layers do not allow", f.name, ours)
			}
			if ruled && f.dir != "cmd/rserpool" {
				if _, ok := layers[ours]; !ok {
					t.Errorf("%s imports %s, which has no place in the layers", f.name, ours)
				}
			}
		}
		// Test support and tools may import what they like, but stand where
		// nothing of the product depends on them.
		if !ruled && !f.test() && !strings.HasPrefix(f.dir, "conformance") && f.dir != "." &&
			!strings.HasPrefix(f.dir, "examples") && !strings.HasSuffix(f.dir, "test") {
			t.Errorf("%s: package %s is not in the table of layers", f.name, f.dir)
		}
	}
	for dir := range layers {
		if !seen[dir] {
			t.Errorf("the table of layers names %s, which does not exist", dir)
		}
	}
}

func TestPurePackages(t *testing.T) {
	for _, f := range sources(t) {
		if f.test() || !slices.Contains(pure, f.dir) {
			continue
		}
		names := map[string]string{} // local name of an import → path
		for _, i := range f.ast.Imports {
			imp := strings.Trim(i.Path.Value, `"`)
			if slices.Contains(pureImports, imp) {
				t.Errorf("%s imports %s", f.name, imp)
			}
			name := path.Base(strings.TrimSuffix(imp, "/v2"))
			if i.Name != nil {
				name = i.Name.Name
			}
			names[name] = imp
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: go statement", f.set.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(pureCalls[names[x.Name]], n.Sel.Name) {
					t.Errorf("%s: %s.%s", f.set.Position(n.Pos()), x.Name, n.Sel.Name)
				}
			}
			return true
		})
	}
}

// TestMapOrder: what a pure package does must not depend on the order of a
// map. A range over one says why it does not, with the words "any order" in a
// comment on its line or the one before.
func TestMapOrder(t *testing.T) {
	files := sources(t)
	maps := map[string]map[string]bool{} // package → names of its variables and fields that are maps
	isMap := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.MapType:
			return true
		case *ast.CompositeLit:
			_, ok := e.Type.(*ast.MapType)
			return ok
		case *ast.CallExpr:
			if f, ok := e.Fun.(*ast.Ident); ok && f.Name == "make" && len(e.Args) > 0 {
				_, ok := e.Args[0].(*ast.MapType)
				return ok
			}
		}
		return false
	}
	for _, f := range files {
		if f.test() || !slices.Contains(pure, f.dir) {
			continue
		}
		if maps[f.dir] == nil {
			maps[f.dir] = map[string]bool{}
		}
		names := maps[f.dir]
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				for _, id := range n.Names {
					names[id.Name] = names[id.Name] || isMap(n.Type)
				}
			case *ast.ValueSpec:
				for i, id := range n.Names {
					names[id.Name] = names[id.Name] || n.Type != nil && isMap(n.Type) || i < len(n.Values) && isMap(n.Values[i])
				}
			case *ast.AssignStmt:
				for i, l := range n.Lhs {
					if id, ok := l.(*ast.Ident); ok && i < len(n.Rhs) {
						names[id.Name] = names[id.Name] || isMap(n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	for _, f := range files {
		names := maps[f.dir]
		if f.test() || names == nil {
			continue
		}
		excused := map[int]bool{}
		for _, g := range f.ast.Comments {
			if strings.Contains(g.Text(), "any order") {
				line := f.set.Position(g.End()).Line
				excused[line], excused[line+1] = true, true
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			r, ok := n.(*ast.RangeStmt)
			if !ok {
				return true
			}
			name := ""
			switch x := r.X.(type) {
			case *ast.Ident:
				name = x.Name
			case *ast.SelectorExpr:
				name = x.Sel.Name
			}
			pos := f.set.Position(r.Pos())
			if (names[name] || isMap(r.X)) && !excused[pos.Line] {
				t.Errorf("%s: range over the map %s", pos, name)
			}
			return true
		})
	}
}

// TestSmallPackages: a program that uses the transport or a pool links nothing
// but the standard library, golang.org/x/net and golang.org/x/sys.
func TestSmallPackages(t *testing.T) {
	args := []string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}
	for _, p := range small {
		args = append(args, "./"+p)
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, p := range strings.Fields(string(out)) {
		if !strings.HasPrefix(p, module+"/") && !strings.HasPrefix(p, "golang.org/x/net/") && !strings.HasPrefix(p, "golang.org/x/sys/") {
			t.Errorf("the small packages link %s", p)
		}
	}
}

// TestEveryFile has its licence, and every package says what it cannot do.
func TestEveryFile(t *testing.T) {
	limits := map[string]bool{}
	documented := map[string]bool{}
	for _, f := range sources(t) {
		if len(f.ast.Comments) == 0 || !strings.Contains(f.ast.Comments[0].Text(), "SPDX-License-Identifier: Apache-2.0") &&
			f.ast.Comments[0].List[0].Text != "// SPDX-License-Identifier: Apache-2.0" {
			t.Errorf("%s does not begin with its SPDX line", f.name)
		}
		if f.test() {
			continue
		}
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil
		limits[f.dir] = limits[f.dir] || f.ast.Doc != nil && strings.Contains(f.ast.Doc.Text(), "# Limitations")
	}
	for dir := range documented {
		if !limits[dir] {
			t.Errorf("the package comment of %s has no section %q", dir, "# Limitations")
		}
	}
}
