-- Undo one commit as a tree: which blobs to put back, or why that is unsafe.
--
-- GitHub has no call that reverts. For each file of the commit, if its blob at
-- the head of the branch still is the commit's, the parent's blob goes back;
-- if it is not, somebody changed the file since and a person must decide. All
-- files or none: half a revert is a third version that nobody has tested.
-- Trees are given and returned; nothing here asks the world.

local FILES = 300   -- GitHub shows no more of a commit in one answer

local revert = {}

local function by_path(tree)
  local found = {}
  for _, entry in ipairs(tree.tree) do found[entry.path] = entry end
  return found
end

local function sha_of(entry)
  return entry and entry.sha or nil
end

local function put(path, entry)
  return { path = path, mode = entry.mode, type = entry.type,
           sha = entry.sha }
end

local function drop(path, entry)
  return { path = path, mode = entry.mode, type = entry.type,
           sha = json.null }
end

-- The paths that a file of a commit concerns.
local function paths_of(file)
  if file.status == "renamed" then
    return { file.filename, file.previous_filename }
  end
  return { file.filename }
end

-- Puts one path back into `entries`; false when it changed since the commit.
local function put_back(path, head, commit, parent, entries)
  local now, before = head[path], parent[path]
  if sha_of(now) ~= sha_of(commit[path]) then return false end
  if sha_of(now) == sha_of(before) then return true end
  entries[#entries + 1] = before and put(path, before) or drop(path, now)
  return true
end

-- Entries for POST git/trees over the head's tree, or nil and the paths that
-- are in the way. The three trees are of the branch's head, of the commit and
-- of its parent, recursive.
function revert.entries(files, trees)
  if #files == 0 or #files >= FILES then
    return nil, { "the commit has " .. #files .. " files" }
  end
  for _, name in ipairs { "head", "commit", "parent" } do
    if trees[name].truncated then
      return nil, { "the tree of the " .. name .. " is truncated" }
    end
  end
  local head, commit = by_path(trees.head), by_path(trees.commit)
  local parent = by_path(trees.parent)
  local entries, conflicts = json.array {}, json.array {}
  for _, file in ipairs(files) do
    for _, path in ipairs(paths_of(file)) do
      if not put_back(path, head, commit, parent, entries) then
        conflicts[#conflicts + 1] = path
      end
    end
  end
  if #conflicts > 0 then return nil, conflicts end
  return entries
end

local function first_line(text)
  return text:match("^[^\n]*")
end

function revert.message(commit)
  return ('Revert "%s"\n\nThis reverts commit %s.\n'):format(
    first_line(commit.commit.message), commit.sha)
end

function revert.title(commit)
  return ('Revert "%s"'):format(first_line(commit.commit.message))
end

-- The pull request's text: for the person who decides on it at night.
function revert.body(commit, reasons)
  local lines = { "Proposed by Nightshift. It will not merge this itself.", "",
                  "Reverts " .. commit.sha .. ", because:", "" }
  for _, reason in ipairs(reasons) do lines[#lines + 1] = "- " .. reason end
  return table.concat(lines, "\n") .. "\n"
end

return revert
