-- Lightroom reads this file with almost nothing at hand: no import, no require, no tostring.
return {
  LrSdkVersion = 12.0,
  LrSdkMinimumVersion = 10.0,
  LrToolkitIdentifier = "org.afterframe.lightroom",
  LrPluginName = LOC "$$$/Afterframe/Name=Afterframe",
  LrPluginInfoProvider = "PluginInfoProvider.lua",
  LrMetadataProvider = "Fields.lua",
  LrMetadataTagsetFactory = "Tagset.lua",
  LrExportServiceProvider = {
    title = LOC "$$$/Afterframe/Export/Title=Afterframe: export and animate",
    file = "ExportService.lua",
    builtInPresetsDir = "presets",
  },
  -- Library > Plug-in Extras
  LrLibraryMenuItems = {
    {
      title = LOC "$$$/Afterframe/Menu/Animate=Animate selected…",
      file = "MenuAnimate.lua",
      enabledWhen = "photosSelected",
    },
    {
      title = LOC "$$$/Afterframe/Menu/AnimateNow=Animate now",
      file = "MenuAnimateNow.lua",
      enabledWhen = "photosSelected",
    },
    { title = LOC "$$$/Afterframe/Menu/Review=Review clips", file = "MenuReview.lua" },
    { title = LOC "$$$/Afterframe/Menu/Import=Import finished clips", file = "MenuImport.lua" },
    { title = LOC "$$$/Afterframe/Menu/Cancel=Cancel…", file = "MenuCancel.lua" },
    { title = LOC "$$$/Afterframe/Menu/Status=Status", file = "MenuStatus.lua" },
  },
  -- File > Plug-in Extras
  LrExportMenuItems = {
    {
      title = LOC "$$$/Afterframe/Menu/Animate=Animate selected…",
      file = "MenuAnimate.lua",
      enabledWhen = "photosSelected",
    },
    {
      title = LOC "$$$/Afterframe/Menu/AnimateNow=Animate now",
      file = "MenuAnimateNow.lua",
      enabledWhen = "photosSelected",
    },
  },
  VERSION = { major = 0, minor = 1, revision = 0 },
}
