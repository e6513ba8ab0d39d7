-- The tagset of the Metadata panel that shows a photo's clip.
local ID = "org.afterframe.lightroom."
return {
  title = LOC "$$$/Afterframe/Name=Afterframe",
  id = "AfterframeTagset",
  items = {
    "com.adobe.filename",
    "com.adobe.folder",
    "com.adobe.separator",
    ID .. "status",
    ID .. "clip",
    ID .. "recipe",
    ID .. "error",
    ID .. "reviewUrl",
    "com.adobe.separator",
    "com.adobe.rating.string",
    "com.adobe.title",
    "com.adobe.caption",
    "com.adobe.dateTimeOriginal",
  },
}
