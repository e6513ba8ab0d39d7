-- Photos rendered by Lightroom: JPEGs in a temporary folder.

local LrExportSession = import "LrExportSession"

local Renditions = {}

Renditions.SUFFIX = "-animate"

-- Every key that changes the file is named: Lightroom takes a missing one from the user's last export, be that HDR,
-- signed content credentials or a watermark, and renders one pixel when one of the size is missing.
local SETTINGS = {
  LR_exportServiceProvider = "com.adobe.ag.export.file",
  LR_exportServiceProviderTitle = "Hard Drive",
  LR_export_destinationType = "specificFolder",
  LR_export_destinationPathSuffix = "",
  LR_export_useParentFolder = false,
  LR_export_useSubfolder = false,
  LR_export_postProcessing = "doNothing",
  LR_collisionHandling = "rename",
  LR_renamingTokensOn = false,
  LR_tokens = "{{image_name}}",
  LR_tokensArchivedToString2 = "{{image_name}}",
  LR_tokenCustomString = "",
  LR_initialSequenceNumber = 1,
  LR_extensionCase = "lowercase",
  LR_format = "JPEG",
  LR_jpeg_quality = 0.92,
  LR_jpeg_useLimitSize = false,
  LR_jpeg_limitSize = 100,
  LR_export_bitDepth = 8,
  LR_export_colorSpace = "sRGB",
  LR_enableHDRDisplay = false,
  LR_maximumCompatibility = true,
  LR_size_doConstrain = true,
  LR_size_userWantsConstrain = true,
  LR_size_percentage = 100,
  LR_size_doNotEnlarge = true,
  LR_size_resizeType = "longEdge",
  LR_size_units = "pixels",
  LR_size_maxWidth = 2560,
  LR_size_maxHeight = 2560,
  LR_size_resolution = 240,
  LR_size_resolutionUnits = "inch",
  LR_outputSharpeningOn = false,
  LR_outputSharpeningLevel = 2,
  LR_outputSharpeningMedia = "screen",
  LR_useWatermark = false,
  LR_embeddedMetadataOption = "all",
  LR_removeLocationMetadata = false,
  LR_removeFaceMetadata = false,
  LR_minimizeEmbeddedMetadata = false,
  LR_metadata_keywordOptions = "flat",
  LR_includeFaceTagsAsKeywords = false, -- keywords become words of the prompt, and names do not belong there
  LR_includeFaceTagsInIptc = true,
  LR_contentCredentials_include_status = "exclude",
  LR_contentCredentials_include_producer = false,
  LR_contentCredentials_include_connectedAccounts = false,
  LR_contentCredentials_include_editsAndActivity = false,
  LR_includeVideoFiles = false,
  LR_export_videoFileHandling = "exclude",
  LR_reimportExportedPhoto = false,
  LR_reimport_stackWithOriginal = false,
  LR_reimport_stackWithOriginal_position = "below",
}

-- The export session that renders items into a folder, and localIdentifier -> item.
function Renditions.session(items, folder)
  local photos, byPhoto, settings = {}, {}, {}
  for name, value in pairs(SETTINGS) do
    settings[name] = value
  end
  settings.LR_export_destinationPathPrefix = folder
  for index, item in ipairs(items) do
    photos[index] = item.photo
    byPhoto[item.photo.localIdentifier] = item
  end
  return LrExportSession { photosToExport = photos, exportSettings = settings }, byPhoto
end

-- Wait for one rendition: its file; or nil and the problem.
function Renditions.wait(rendition)
  local rendered, result = rendition:waitForRender()
  if rendered then
    return result
  end
  local message = LOC("$$$/Afterframe/Problem/Render=Lightroom could not render the photo: ^1", tostring(result))
  return nil, { code = "render", message = message, hint = "" }
end

return Renditions
