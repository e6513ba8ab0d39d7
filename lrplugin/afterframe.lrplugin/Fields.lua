-- What the plugin keeps with a photo. A field with a title is shown and can be searched; the others are its notes.
--
-- Ids and types are settled: a catalog keeps every field for ever, with its values, and takes no other type for it. To
-- change anything else of a field, raise its version and schemaVersion; a new kind of value gets a new id.
local function shown(id, title, more)
  local field = { id = id, title = title, version = 1, readOnly = true, searchable = true, browsable = false }
  field.dataType = "string"
  for name, value in pairs(more or {}) do
    field[name] = value
  end
  return field
end

return {
  schemaVersion = 1,
  metadataFieldsForPhotos = {
    shown("status", LOC "$$$/Afterframe/Field/Status=Clip status", {
      dataType = "enum",
      browsable = true,
      values = {
        { value = nil, title = LOC "$$$/Afterframe/Status/None=None" },
        { value = "waiting", title = LOC "$$$/Afterframe/Status/Waiting=Waiting for Afterframe" },
        { value = "queued", title = LOC "$$$/Afterframe/Status/Queued=Queued" },
        { value = "done", title = LOC "$$$/Afterframe/Status/Done=Done" },
        { value = "approved", title = LOC "$$$/Afterframe/Status/Approved=Approved" },
        { value = "rejected", title = LOC "$$$/Afterframe/Status/Rejected=Rejected" },
        { value = "failed", title = LOC "$$$/Afterframe/Status/Failed=Failed" },
        { value = "cancelled", title = LOC "$$$/Afterframe/Status/Cancelled=Cancelled" },
      },
    }),
    shown("clip", LOC "$$$/Afterframe/Field/Clip=Clip", { searchable = false }),
    shown("recipe", LOC "$$$/Afterframe/Field/Recipe=Recipe"),
    shown("error", LOC "$$$/Afterframe/Field/Error=Error"),
    -- Not of the type "url": that shows its arrow beside an empty address too, which opens nothing.
    shown("reviewUrl", LOC "$$$/Afterframe/Field/Review=Review page", { searchable = false }),
    -- Of a photo: the file that stands for it, as the daemon spells it, when it is not the photo's own.
    { id = "handed", version = 1 },
    -- Of a photo: JSON, the id of each fetched clip -> its path here.
    { id = "fetched", version = 1 },
    -- Of a photo that waits: JSON, what was asked for.
    { id = "wish", version = 1 },
    -- Of an imported clip: its id, the photo's path as the daemon spells it, and "verdict rating" as last agreed.
    { id = "clipId", version = 1 },
    { id = "clipOf", version = 1 },
    { id = "agreed", version = 1 },
  },
}
